-- Dividing an amount by the shares that a record states, so that the parts add up to it.

-- What a list divides by: its keys, and their weights: the amounts, if all are exact, or else
-- the shares. Without weights it divides nothing, unless it has one key only. Lines of
-- different rules hold for different recipients: they divide nothing either.
CREATE FUNCTION parts(items jsonb, key text) RETURNS jsonb
  LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN jsonb_array_length(coalesce(items, '[]')) > 0 THEN (
  SELECT jsonb_build_object('keys', jsonb_agg(part ORDER BY n),
    'weights', CASE
      WHEN count(*) = 1 THEN '[1]'
      WHEN max(rules) = 1 AND bool_and(weight IS NOT NULL) AND sum(weight) > 0 THEN jsonb_agg(weight ORDER BY n)
    END)
  FROM (
    SELECT coalesce(item ->> key, ',unstated') AS part, min(n) AS n,
      max(rules) AS rules,
      CASE
        WHEN bool_and(priced) THEN sum((item #>> '{amount,amount}')::numeric)
        WHEN bool_and(shared) THEN sum((item ->> 'percentage')::numeric)
      END AS weight
    FROM (
      SELECT item, n,
        bool_and(item ->> 'percentage' IS NOT NULL) OVER () AS shared,
        bool_and(coalesce(item #>> '{amount,exactness}' = 'exact', false)) OVER ()
          AND min(item #>> '{amount,currency}') OVER () = max(item #>> '{amount,currency}') OVER () AS priced,
        -- The number of different rules.
        max(rule) OVER () AS rules
      FROM (
        SELECT item, n, dense_rank() OVER (ORDER BY coalesce(item ->> 'rule', '')) AS rule
        FROM jsonb_array_elements(items) WITH ORDINALITY AS list (item, n)
      ) AS ranked
    ) AS lines
    GROUP BY 1
  ) AS by_key)
END;

-- An amount by parts, in cents or as fine as it is stated, by largest remainder: each part is
-- rounded down, and what is left over goes to those that lost most, the earlier first.
CREATE FUNCTION divide(amount numeric, parts jsonb) RETURNS TABLE (key text, part numeric)
  LANGUAGE sql IMMUTABLE PARALLEL SAFE ROWS 3
AS $$
  SELECT coalesce(parts #>> '{keys,0}', ',unstated'), amount
  WHERE parts IS NULL OR jsonb_array_length(parts -> 'keys') = 1
  UNION ALL
  SELECT ',undivided', amount
  WHERE jsonb_array_length(parts -> 'keys') > 1 AND jsonb_typeof(parts -> 'weights') IS DISTINCT FROM 'array'
  UNION ALL
  SELECT key, low + CASE WHEN row_number() OVER (ORDER BY exact - low DESC, n) <= rest THEN unit ELSE 0 END
  FROM (
    SELECT key, n, exact, unit, floor(exact / unit) * unit AS low,
      round((divide.amount - sum(floor(exact / unit) * unit) OVER ()) / unit) AS rest
    FROM (
      SELECT key, n, divide.amount * weight / sum(weight) OVER () AS exact,
        power(10::numeric, -greatest(2, min_scale(divide.amount))) AS unit
      FROM (SELECT keys.key, keys.n, weight::numeric AS weight
            FROM jsonb_array_elements_text(parts -> 'keys') WITH ORDINALITY AS keys (key, n)
            JOIN jsonb_array_elements_text(parts -> 'weights') WITH ORDINALITY AS weights (weight, n) USING (n)
            WHERE jsonb_array_length(parts -> 'keys') > 1 AND jsonb_typeof(parts -> 'weights') = 'array') AS weighted
    ) AS shared
  ) AS lowered
$$;

-- The part of an amount that falls on some keys: all of it if there are no others, what the
-- shares say if there are, and null if they are not stated.
CREATE FUNCTION inside(amount numeric, parts jsonb, wanted text[]) RETURNS numeric
  LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE
  WHEN ARRAY(SELECT jsonb_array_elements_text(parts -> 'keys')) <@ wanted THEN amount
  WHEN jsonb_typeof(parts -> 'weights') = 'array' THEN
    (SELECT coalesce(sum(part), 0) FROM divide(amount, parts) WHERE key = ANY(wanted))
END;

-- What divides the part of an amount that falls on some keys.
CREATE FUNCTION restricted(parts jsonb, wanted text[]) RETURNS jsonb
  LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE
  WHEN ARRAY(SELECT jsonb_array_elements_text(parts -> 'keys')) <@ wanted THEN parts
  WHEN jsonb_typeof(parts -> 'weights') = 'array' THEN (
    SELECT jsonb_build_object('keys', jsonb_agg(key ORDER BY n),
      'weights', CASE WHEN count(*) = 1 THEN '[1]' WHEN sum(weight::numeric) > 0 THEN jsonb_agg(weight::numeric ORDER BY n) END)
    FROM jsonb_array_elements_text(parts -> 'keys') WITH ORDINALITY AS keys (key, n)
    JOIN jsonb_array_elements_text(parts -> 'weights') WITH ORDINALITY AS weights (weight, n) USING (n)
    WHERE key = ANY(wanted))
  ELSE parts
END;

-- Each place with the one of a level that it is, or lies in.
CREATE FUNCTION places_at(level text) RETURNS TABLE (place text, at text)
  LANGUAGE sql STABLE PARALLEL SAFE ROWS 500
AS $$
  SELECT within, locations.identifier
  FROM locations, places_within(ARRAY[locations.identifier]) AS within
  WHERE locations.kind = level
$$;
