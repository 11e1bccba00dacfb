-- What was read from an activity of another standard before, and is not in it any more, goes: flows and
-- values that are named after an activity of the batch. $1 is the last place in the batch.
INSERT INTO batch (n, line, place, identifier, collection, doc, links, seen, faulty)
SELECT $1 + row_number() OVER (ORDER BY gone.identifier), activity.line, '', gone.identifier, gone.collection, NULL, '[]', NULL, false
FROM batch activity
JOIN records gone ON gone.live
  -- The sign after a colon.
  AND gone.identifier > activity.identifier || ':' AND gone.identifier < activity.identifier || ';'
WHERE activity.collection IN ('programmes', 'grants') AND activity.doc IS NOT NULL AND NOT activity.faulty
  AND (gone.collection = 'transactions' AND starts_with(gone.identifier, activity.identifier || ':transaction')
    OR gone.collection IN ('indicators', 'observations') AND starts_with(gone.identifier, activity.identifier || ':indicator'))
ON CONFLICT (identifier) DO NOTHING
