-- What falls with the records that there are complaints of: whatever refers to one that
-- is not made after all, and the deletion of what is referred to by one that stays.
INSERT INTO complaints (n, pointer, code, target, elsewhere)
WITH RECURSIVE falling AS (
  SELECT DISTINCT decided.n, decided.identifier, decided.collection, decided.outcome,
    '' AS pointer, '' AS code, '' COLLATE "C" AS target, '' AS elsewhere
  FROM complaints JOIN decided USING (n)
  WHERE decided.outcome IN ('changed', 'deleted')
    OR decided.outcome = 'created' AND EXISTS (SELECT FROM batch_links WHERE batch_links.target = decided.identifier)
  UNION
  SELECT next.*
  FROM falling CROSS JOIN LATERAL (
    SELECT decided.n, decided.identifier, decided.collection, decided.outcome,
      link.pointer, 'reference_refused', falling.identifier, ''
    FROM batch_links AS link JOIN decided USING (n)
    WHERE falling.outcome = 'created' AND link.target = falling.identifier AND link.collection = falling.collection
      AND decided.outcome IN ('created', 'changed')
    UNION ALL
    SELECT decided.n, decided.identifier, decided.collection, decided.outcome,
      '', 'still_referred', falling.identifier, link.pointer
    FROM links AS link JOIN decided ON decided.identifier = link.target
    WHERE falling.outcome IN ('changed', 'deleted') AND link.record = falling.identifier
      AND decided.outcome = 'deleted'
  ) AS next
)
SELECT n, pointer, code, target, elsewhere FROM falling WHERE code <> '' AND n NOT IN (SELECT n FROM complaints)
