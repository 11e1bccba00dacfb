DROP SCHEMA past CASCADE;
DROP FUNCTION show_past, as_of;
DROP INDEX versions_collection_position_idx;
CREATE INDEX versions_collection_idx ON versions (collection, recorded_at);
ALTER TABLE versions
  DROP CONSTRAINT versions_merged_has_survivor,
  DROP CONSTRAINT versions_deleted_has_no_doc,
  DROP CONSTRAINT versions_change_known,
  DROP COLUMN reason,
  DROP COLUMN import,
  DROP COLUMN merged_into;
UPDATE versions SET change = 'deleted' WHERE doc IS NULL;
ALTER TABLE versions
  ADD CONSTRAINT versions_change_known CHECK (change IN ('created', 'changed', 'deleted')),
  ADD CONSTRAINT versions_deleted_has_no_doc CHECK ((change = 'deleted') = (doc IS NULL));
