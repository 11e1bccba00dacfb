-- The records that there are complaints of and that others may fall with.
CREATE TEMP TABLE seed ON COMMIT DROP AS
SELECT decided.n, decided.identifier, decided.collection, decided.outcome
FROM decided
WHERE n IN (SELECT n FROM complaints) AND (decided.outcome IN ('changed', 'deleted')
  OR decided.outcome = 'created' AND EXISTS (SELECT FROM batch_links WHERE batch_links.target = decided.identifier));
CREATE TEMP TABLE fallen (LIKE complaints) ON COMMIT DROP
