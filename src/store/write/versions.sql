-- The new versions, numbered on from the clock's position in the order of the batch.
INSERT INTO versions (position, identifier, collection, publisher, version, change, created_at, doc, links,
                      recorded_at, issuer, subject, request_id, reason, import, merged_into)
SELECT $9 + n, identifier, collection, publisher, version, change, created_at, doc, links, $10, $11, $12, $13, $14, $15, merged_into
FROM unnest($1, $2, $3, $4, $5, $6, $7, $8, $16) WITH ORDINALITY
  AS new (identifier, collection, publisher, version, change, created_at, doc, links, merged_into, n)
