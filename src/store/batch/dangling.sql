-- Records of the batch that refer to these, which will not be there.
SELECT batch.n, batch.line, batch.place, batch.identifier, link.pointer, link.target, link.collection
FROM batch JOIN decided USING (n),
  jsonb_to_recordset(batch.links) AS link (pointer text, target text, collection text)
WHERE decided.outcome IN ('created', 'changed')
  AND (link.target, link.collection) IN (SELECT * FROM unnest($1, $2))
ORDER BY batch.n
