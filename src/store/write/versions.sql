-- The new versions, numbered on from the clock's position in the order of the batch.
INSERT INTO versions (position, identifier, collection, publisher, version, change, created_at, doc, links,
                      recorded_at, issuer, subject, request_id)
SELECT $9 + n, identifier, collection, publisher, version, change, created_at, doc, links, $10, $11, $12, $13
FROM unnest($1, $2, $3, $4, $5, $6, $7, $8) WITH ORDINALITY
  AS new (identifier, collection, publisher, version, change, created_at, doc, links, n)
