-- What a version was written for, and what it was merged into; and the register
-- as it stood at any instant, under the same names as the register as it stands.

ALTER TABLE versions
  ADD COLUMN reason      text,
  ADD COLUMN import      uuid,
  ADD COLUMN merged_into text COLLATE "C" REFERENCES records,
  DROP CONSTRAINT versions_change_known,
  DROP CONSTRAINT versions_deleted_has_no_doc,
  ADD CONSTRAINT versions_change_known CHECK (change IN ('created', 'changed', 'deleted', 'merged')),
  ADD CONSTRAINT versions_deleted_has_no_doc CHECK ((change IN ('deleted', 'merged')) = (doc IS NULL)),
  ADD CONSTRAINT versions_merged_has_survivor CHECK ((change = 'merged') = (merged_into IS NOT NULL));

-- For the change feed of one collection, and for its past.
DROP INDEX versions_collection_idx;
CREATE INDEX versions_collection_position_idx ON versions (collection, position);

-- A statement about the past runs with `search_path = past, public` and the
-- instant in this setting: then tables and links are what they were.
CREATE SCHEMA past;

CREATE FUNCTION as_of() RETURNS timestamptz
  LANGUAGE sql STABLE PARALLEL SAFE
RETURN current_setting('register.as_of')::timestamptz;

CREATE VIEW past.records AS
  SELECT identifier, collection, version, doc IS NOT NULL AS live, merged_into
  FROM versions
  WHERE recorded_at <= as_of() AND (superseded_at IS NULL OR superseded_at > as_of());

CREATE VIEW past.links AS
  SELECT versions.identifier AS record, link.pointer, link.role, link.target COLLATE "C" AS target, link.collection AS target_collection
  FROM versions, jsonb_to_recordset(links) AS link (pointer text, role text, target text, collection text)
  WHERE recorded_at <= as_of() AND (superseded_at IS NULL OR superseded_at > as_of());

-- The past of a collection: each column is read from the document by the very
-- expression that generates it in the collection's table. To be called again by
-- whatever changes that table.
CREATE FUNCTION show_past(collection text) RETURNS void
  LANGUAGE plpgsql
AS $$
DECLARE columns text;
BEGIN
  SELECT string_agg(
      format(', (%s)::%s%s AS %I', pg_get_expr(def.adbin, def.adrelid), format_type(att.atttypid, att.atttypmod),
        CASE WHEN att.attcollation <> typ.typcollation THEN ' COLLATE ' || quote_ident(coll.collname) ELSE '' END, att.attname),
      '' ORDER BY att.attnum)
    INTO columns
    FROM pg_attribute att
    JOIN pg_attrdef def ON def.adrelid = att.attrelid AND def.adnum = att.attnum
    JOIN pg_type typ ON typ.oid = att.atttypid
    LEFT JOIN pg_collation coll ON coll.oid = att.attcollation
    WHERE att.attrelid = ('public.' || quote_ident(collection))::regclass AND att.attgenerated = 's';
  EXECUTE format('DROP VIEW IF EXISTS past.%I', collection);
  EXECUTE format(
    'CREATE VIEW past.%I AS
       SELECT identifier, publisher, version, created_at, recorded_at AS updated_at, doc%s
       FROM public.versions
       WHERE collection = %L AND doc IS NOT NULL
         AND recorded_at <= public.as_of() AND (superseded_at IS NULL OR superseded_at > public.as_of())',
    collection, columns, collection);
END $$;

SELECT show_past(collection) FROM unnest(ARRAY['programmes', 'calls', 'grants', 'transactions', 'beneficiaries',
  'organisations', 'indicators', 'observations', 'locations', 'sources']) AS collection;
