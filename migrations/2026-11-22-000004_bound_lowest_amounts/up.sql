-- The least that amounts can come to is no more than the budget, and the most, where all
-- have a bound, no less: what is approximate hides nothing.
CREATE OR REPLACE FUNCTION amounts_meet_budget(lines jsonb, budget jsonb) RETURNS boolean
  LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN NOT EXISTS (
  SELECT FROM (
    SELECT line ->> 'rule' AS rule,
           (line #>> '{amount,amount}')::numeric AS amount,
           coalesce(line #>> '{amount,exactness}', 'exact') AS exactness
    FROM jsonb_array_elements(lines) AS line) AS parts
  GROUP BY rule
  HAVING bool_or(amount < 0)
      OR (budget ->> 'exactness' IN ('exact', 'at_most')
          AND sum(amount) FILTER (WHERE exactness IN ('exact', 'at_least')) > (budget ->> 'amount')::numeric)
      OR (budget ->> 'exactness' IN ('exact', 'at_least')
          AND count(amount) = count(*) AND bool_and(exactness IN ('exact', 'at_most'))
          AND sum(amount) < (budget ->> 'amount')::numeric));
