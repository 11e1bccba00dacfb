-- Most lists have one item, and such need no query. What answers them is an expression, which the database
-- takes into the statement that calls it; the others are left to what answered all.
ALTER FUNCTION parts(jsonb, text) RENAME TO parts_of_several;
ALTER FUNCTION restricted(jsonb, text[]) RENAME TO restricted_several;
ALTER FUNCTION inside(numeric, jsonb, text[]) RENAME TO inside_of_several;

CREATE FUNCTION parts(items jsonb, key text) RETURNS jsonb
  LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE jsonb_array_length(items)
  WHEN 1 THEN jsonb_set('{"keys": [""], "weights": [1]}', '{keys,0}', coalesce(nullif(items -> 0 -> key, 'null'), '",unstated"'))
  ELSE parts_of_several(items, key)
END;

CREATE FUNCTION restricted(parts jsonb, wanted text[]) RETURNS jsonb
  LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE
  WHEN parts IS NULL OR jsonb_array_length(parts -> 'keys') = 1 AND parts #>> '{keys,0}' = ANY(wanted) THEN parts
  ELSE restricted_several(parts, wanted)
END;

CREATE FUNCTION inside(amount numeric, parts jsonb, wanted text[]) RETURNS numeric
  LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE
  WHEN parts IS NULL THEN amount
  WHEN jsonb_array_length(parts -> 'keys') = 1 THEN CASE WHEN parts #>> '{keys,0}' = ANY(wanted) THEN amount END
  ELSE inside_of_several(amount, parts, wanted)
END;
