CREATE OR REPLACE FUNCTION inside(amount numeric, parts jsonb, wanted text[]) RETURNS numeric
  LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE
  WHEN ARRAY(SELECT jsonb_array_elements_text(parts -> 'keys')) <@ wanted THEN amount
  WHEN jsonb_typeof(parts -> 'weights') = 'array' THEN
    (SELECT coalesce(sum(part), 0) FROM divide(amount, parts) WHERE key = ANY(wanted))
END;
