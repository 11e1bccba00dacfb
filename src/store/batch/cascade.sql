-- What falls with the records that there are complaints of: whatever refers to one that
-- is not made after all, and the deletion of what is referred to by one that stays.
INSERT INTO fallen (n, pointer, code, target, elsewhere)
WITH RECURSIVE falling AS (
  SELECT n, identifier, collection, outcome, '' AS pointer, '' AS code, '' COLLATE "C" AS target, '' AS elsewhere FROM seed
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
SELECT n, pointer, code, target, elsewhere FROM falling WHERE code <> ''
