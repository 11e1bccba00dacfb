-- What becomes of each record, as the register is now. $1 is the publisher that may
-- write, or null for whoever may write all; $2 is the instant; $3 the formats with which comes back
-- what vanished with them.
INSERT INTO decided (n, identifier, collection, version, created_at, publisher, outcome)
WITH bounds AS (
  SELECT min(identifier) AS low, max(identifier) AS high FROM batch
), relevant AS MATERIALIZED (
  -- Prefixes that an identifier between these two can start with.
  SELECT prefix, whole, publisher FROM publisher_prefixes, bounds
  WHERE prefix <= high AND left(low, length(prefix)) <= prefix
)
SELECT batch.n, batch.identifier, batch.collection, coalesce(records.version, 0) + 1,
  coalesce(versions.created_at, $2), coalesce(versions.publisher, owner.publisher),
  CASE
    -- A row that has no identifier of its own: nothing can begin with a comma.
    WHEN batch.identifier LIKE ',%' THEN 'refused'
    WHEN owner.publisher IS NULL THEN 'prefix_unknown'
    WHEN owner.publisher <> $1 THEN 'prefix_foreign'
    WHEN records.collection <> batch.collection THEN 'identifier_taken'
    WHEN NOT records.live AND batch.doc IS NULL THEN 'unchanged'
    WHEN NOT records.live AND NOT (versions.change = 'deleted' AND EXISTS (
      SELECT FROM imports WHERE imports.id = versions.import AND imports.format = ANY($3))) THEN 'identifier_gone'
    WHEN records.identifier IS NULL AND batch.doc IS NULL THEN 'record_unknown'
    WHEN batch.stance = 'if_absent' AND records.live THEN 'unchanged'
    WHEN batch.faulty THEN 'refused'
    WHEN batch.seen <> CASE WHEN records.live THEN records.version ELSE 0 END THEN 'changed_meanwhile'
    WHEN records.live IS NOT TRUE THEN 'created'
    WHEN batch.doc IS NULL THEN 'deleted'
    WHEN versions.doc = batch.doc THEN 'unchanged'
    ELSE 'changed'
  END
FROM batch
LEFT JOIN LATERAL (
  SELECT publisher FROM relevant WHERE owns(prefix, whole, batch.identifier) ORDER BY length(prefix) DESC LIMIT 1
) AS owner ON true
LEFT JOIN records ON records.identifier = batch.identifier
LEFT JOIN versions ON versions.identifier = records.identifier AND versions.version = records.version
