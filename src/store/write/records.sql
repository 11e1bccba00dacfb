-- Which identifiers exist, in which version, and whether they still do.
INSERT INTO records (identifier, collection, version, live, merged_into)
SELECT identifier, collection, version, change NOT IN ('deleted', 'merged'), merged_into
FROM unnest($1, $2, $3, $4, $5) AS new (identifier, collection, version, change, merged_into)
ON CONFLICT (identifier) DO UPDATE
  SET version = excluded.version, live = excluded.live, merged_into = excluded.merged_into
