-- A collection as it stands now. A document that is null takes its row away.
WITH new AS (
  SELECT * FROM unnest($1, $2, $3, $4, $5) AS new (identifier, publisher, version, created_at, doc)
), gone AS (
  DELETE FROM {collection} WHERE identifier IN (SELECT identifier FROM new WHERE doc IS NULL)
)
INSERT INTO {collection} (identifier, publisher, version, created_at, updated_at, doc)
SELECT identifier, publisher, version, created_at, $6, doc FROM new WHERE doc IS NOT NULL
ON CONFLICT (identifier) DO UPDATE SET version = excluded.version, updated_at = excluded.updated_at, doc = excluded.doc
