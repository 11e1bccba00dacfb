-- References to what will not be there: not in the register, or deleted by the batch,
-- and not made by it. $1 are further identifiers that were refused; a reference to
-- something refused is left out unless $2 says otherwise.
INSERT INTO missing (target, collection, code, elsewhere)
WITH targets AS MATERIALIZED (
  SELECT DISTINCT link.target COLLATE "C" AS target, link.collection
  FROM batch JOIN decided USING (n), jsonb_to_recordset(batch.links) AS link (target text, collection text)
  WHERE {whose}
), judged AS (
  SELECT target, targets.collection,
    CASE
      WHEN decided.outcome = 'deleted' THEN 'reference_deleted'
      WHEN decided.outcome IS NOT NULL AND decided.outcome NOT IN ('unchanged', 'changed') OR target = ANY($1)
        THEN 'reference_refused'
      ELSE 'reference_unknown'
    END AS code,
    (SELECT CASE WHEN live THEN records.collection ELSE '>' || merged_into END FROM records WHERE identifier = target) AS elsewhere
  FROM targets
  LEFT JOIN decided ON decided.identifier = target AND decided.collection = targets.collection
  WHERE decided.outcome IS DISTINCT FROM 'created'
    AND (decided.outcome = 'deleted' OR NOT EXISTS (
      SELECT FROM records WHERE identifier = target AND records.collection = targets.collection AND live))
)
SELECT target, collection, code, elsewhere FROM judged WHERE code <> 'reference_refused' OR $2
