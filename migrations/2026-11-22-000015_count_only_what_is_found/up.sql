-- The part of an amount that falls on some keys: all of it if there are no others, what the
-- shares say if there are, and null if they are not stated, or none of the keys is among them.
CREATE OR REPLACE FUNCTION inside(amount numeric, parts jsonb, wanted text[]) RETURNS numeric
  LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE
  WHEN parts IS NULL THEN amount
  WHEN NOT ARRAY(SELECT jsonb_array_elements_text(parts -> 'keys')) && wanted THEN NULL
  WHEN ARRAY(SELECT jsonb_array_elements_text(parts -> 'keys')) <@ wanted THEN amount
  WHEN jsonb_typeof(parts -> 'weights') = 'array' THEN
    (SELECT coalesce(sum(part), 0) FROM divide(amount, parts) WHERE key = ANY(wanted))
END;
