-- The references to what is missing, each by itself.
INSERT INTO complaints (n, pointer, code, target, wanted, elsewhere)
SELECT link.n, link.pointer, missing.code, missing.target, missing.collection, missing.elsewhere
FROM batch_links AS link JOIN missing USING (target, collection) JOIN decided USING (n)
WHERE {whose}
