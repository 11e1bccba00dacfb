-- The references of the batch, to be looked up by whom they are to.
CREATE TEMP TABLE IF NOT EXISTS batch_links ON COMMIT DROP AS
SELECT batch.n, link.pointer, link.target COLLATE "C" AS target, link.collection
FROM batch, jsonb_to_recordset(batch.links) AS link (pointer text, target text, collection text);
-- Each lookup is planned as if it found one row: where all have one target, hardly any finds it.
ALTER TABLE batch_links ALTER COLUMN target SET (n_distinct = -1);
CREATE INDEX IF NOT EXISTS batch_links_target_idx ON batch_links (target);
ANALYZE batch_links
