-- A document that refers to another record in the stead of one: at the places that its links name.
CREATE FUNCTION moved(doc jsonb, links jsonb, from_record text, to_record text) RETURNS jsonb
  LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
AS $$
DECLARE
  pointer text;
BEGIN
  FOR pointer IN SELECT link ->> 'pointer' FROM jsonb_array_elements(links) AS link WHERE link ->> 'target' = from_record LOOP
    doc := jsonb_set(doc, string_to_array(substr(pointer, 2), '/'), to_jsonb(to_record), false);
  END LOOP;
  RETURN doc;
END
$$;

-- The links of such a document.
CREATE FUNCTION relinked(links jsonb, from_record text, to_record text) RETURNS jsonb
  LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN (
  SELECT coalesce(jsonb_agg(
    CASE WHEN link ->> 'target' = from_record THEN jsonb_set(link, '{target}', to_jsonb(to_record)) ELSE link END ORDER BY n), '[]')
  FROM jsonb_array_elements(links) WITH ORDINALITY AS list (link, n));

-- Identifiers elsewhere, with those of another record that are not among them.
CREATE FUNCTION joined_identifiers(own jsonb, others jsonb) RETURNS jsonb
  LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN coalesce(own, '[]') || (
  SELECT coalesce(jsonb_agg(other ORDER BY n), '[]')
  FROM jsonb_array_elements(coalesce(others, '[]')) WITH ORDINALITY AS list (other, n)
  WHERE NOT coalesce(own, '[]') @> jsonb_build_array(other));
