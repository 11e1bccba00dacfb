-- Which identifiers exist, in which version, and whether they still do.
INSERT INTO records (identifier, collection, version, live)
SELECT identifier, collection, version, change <> 'deleted'
FROM unnest($1, $2, $3, $4) AS new (identifier, collection, version, change)
ON CONFLICT (identifier) DO UPDATE SET version = excluded.version, live = excluded.live
