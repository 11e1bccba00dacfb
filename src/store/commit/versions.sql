-- The new versions, numbered on from the clock's position in the order of the batch.
INSERT INTO versions (position, identifier, collection, publisher, version, change, created_at, doc, links,
                      merged_into, recorded_at, issuer, subject, request_id, reason, import)
SELECT $1 + n, identifier, collection, publisher, version, change, created_at, doc, links, merged_into,
       $2, $3, $4, $5, $6, $7
FROM {new}
