-- What is odd about new and changed records of the batch. $1 is the most that is told.
WITH fresh AS MATERIALIZED (
  SELECT batch.line, batch.identifier, batch.collection, batch.doc
  FROM batch JOIN decided USING (identifier) WHERE decided.outcome IN ('created', 'changed')
), flows AS MATERIALIZED (
  SELECT line, identifier, doc ->> 'type' AS type, doc #>> '{value,currency}' AS currency,
    abs((doc #>> '{value,amount}')::numeric) AS amount
  FROM fresh WHERE collection = 'transactions'
), usual AS (
  SELECT type, currency, percentile_disc(0.5) WITHIN GROUP (ORDER BY amount) AS amount
  FROM flows WHERE amount > 0 GROUP BY type, currency HAVING count(*) >= 20
)
SELECT * FROM (
  SELECT fresh.line, fresh.identifier, 'register.budget_above_parent' AS rule,
    format('the budget of %s %s is more than the %s of %s', fresh.doc #>> '{budget,amount}', fresh.doc #>> '{budget,currency}',
      above.doc #>> '{budget,amount}', above.identifier) AS detail
  FROM fresh
  JOIN programmes above ON above.identifier = coalesce(fresh.doc ->> 'programme', fresh.doc ->> 'parent')
  WHERE fresh.collection IN ('programmes', 'grants')
    AND fresh.doc #>> '{budget,currency}' = above.doc #>> '{budget,currency}'
    AND (fresh.doc #>> '{budget,amount}')::numeric > (above.doc #>> '{budget,amount}')::numeric
  UNION ALL
  SELECT flows.line, flows.identifier, 'register.outlier',
    format('%s %s is more than a thousand times the %s that is in the middle of the others', flows.amount, flows.currency, usual.amount)
  FROM flows JOIN usual USING (type, currency) WHERE flows.amount > 1000 * usual.amount) AS found
ORDER BY line, identifier, rule
LIMIT $1
