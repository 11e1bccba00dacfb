-- What was read from an activity or grant of another standard before, and is not in it any more, goes. $1 is
-- the last place in the batch, $2 the format.
INSERT INTO batch (n, line, place, identifier, collection, doc, links, seen, faulty, stance)
SELECT $1 + row_number() OVER (ORDER BY gone.identifier), gone.line, '', gone.identifier, gone.collection, NULL, '[]', NULL, false, 'whole'
FROM (
  -- Of IATI: flows and values that are named after an activity of the batch.
  SELECT records.identifier, records.collection, activity.line
  FROM batch activity
  JOIN records ON records.live
    -- The sign after a colon.
    AND records.identifier > activity.identifier || ':' AND records.identifier < activity.identifier || ';'
  WHERE $2 = 'iati'
    AND activity.collection IN ('programmes', 'grants') AND activity.doc IS NOT NULL AND NOT activity.faulty AND activity.stance = 'whole'
    AND (records.collection = 'transactions' AND starts_with(records.identifier, activity.identifier || ':transaction')
      OR records.collection IN ('indicators', 'observations') AND starts_with(records.identifier, activity.identifier || ':indicator'))
  UNION ALL
  -- Of 360Giving, where flows have names of their own: those of a grant of the batch that such a file brought.
  SELECT flow.identifier, 'transactions', given.line
  FROM batch given
  JOIN transactions flow ON flow.grant_id = given.identifier
  WHERE $2 = '360giving'
    AND given.collection = 'grants' AND given.doc IS NOT NULL AND NOT given.faulty AND given.stance = 'whole'
    AND EXISTS (
      SELECT FROM versions JOIN imports ON imports.id = versions.import
      WHERE versions.identifier = flow.identifier AND versions.version = 1 AND imports.format = '360giving')
) AS gone
ON CONFLICT (identifier) DO NOTHING
