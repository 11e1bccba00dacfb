-- Which identifiers exist, in which version, and whether they still do.
INSERT INTO records (identifier, collection, version, live, merged_into)
SELECT identifier, collection, version, change NOT IN ('deleted', 'merged'), merged_into
FROM {new}
ON CONFLICT (identifier) DO UPDATE
  SET version = excluded.version, live = excluded.live, merged_into = excluded.merged_into
