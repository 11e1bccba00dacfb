-- The items of a list that have one of some keys; of what could not be divided, all.
CREATE FUNCTION picked(items jsonb, key text, wanted text[]) RETURNS jsonb
  LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN wanted @> ARRAY[',undivided'] THEN items ELSE (
  SELECT jsonb_agg(item ORDER BY n)
  FROM jsonb_array_elements(items) WITH ORDINALITY AS list (item, n)
  WHERE coalesce(item ->> key, ',unstated') = ANY(wanted))
END;
