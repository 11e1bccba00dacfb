-- A collection as it stands now.
INSERT INTO {collection} (identifier, publisher, version, created_at, updated_at, doc)
SELECT identifier, publisher, version, created_at, $1, doc
FROM {new}
WHERE collection = '{collection}' AND doc IS NOT NULL
ON CONFLICT (identifier) DO UPDATE SET version = excluded.version, updated_at = excluded.updated_at, doc = excluded.doc
