-- Whom the batch refers to and who will not be there: not in the register, or deleted
-- by the batch, and not made by it.
WITH targets AS MATERIALIZED (
  SELECT DISTINCT link.target COLLATE "C" AS target, link.collection
  FROM batch JOIN decided USING (n), jsonb_to_recordset(batch.links) AS link (target text, collection text)
  WHERE decided.outcome IN ('created', 'changed')
)
SELECT target, targets.collection,
  (SELECT collection FROM records WHERE identifier = target AND live) AS elsewhere
FROM targets
LEFT JOIN decided ON decided.identifier = target AND decided.collection = targets.collection
WHERE decided.outcome IS DISTINCT FROM 'created'
  AND (decided.outcome = 'deleted' OR NOT EXISTS (
    SELECT FROM records WHERE identifier = target AND records.collection = targets.collection AND live))
