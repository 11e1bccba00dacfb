-- Records that the batch deletes, and who refers to them all the same: one that is
-- there already and that the batch does not write anew.
INSERT INTO complaints (n, pointer, code, target, elsewhere)
SELECT DISTINCT ON (batch.n) batch.n, '', 'still_referred', links.record, links.pointer
FROM batch JOIN decided USING (n) JOIN links ON links.target = batch.identifier
LEFT JOIN decided AS other ON other.identifier = links.record
WHERE decided.outcome = 'deleted' AND (other.outcome IS NULL OR other.outcome NOT IN ('deleted', 'changed'))
ORDER BY batch.n
