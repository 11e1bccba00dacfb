CREATE OR REPLACE FUNCTION amounts_meet_budget(lines jsonb, budget jsonb) RETURNS boolean
  LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN NOT EXISTS (
  SELECT FROM jsonb_array_elements(lines) AS line
  GROUP BY line ->> 'rule'
  HAVING bool_or((line #>> '{amount,amount}')::numeric < 0)
      OR (budget ->> 'exactness' IN ('exact', 'at_most')
          AND bool_and(coalesce(line #>> '{amount,exactness}', 'exact') = 'exact')
          AND (sum((line #>> '{amount,amount}')::numeric) > (budget ->> 'amount')::numeric
            OR (budget ->> 'exactness' = 'exact' AND count(line #> '{amount,amount}') = count(*)
                AND sum((line #>> '{amount,amount}')::numeric) <> (budget ->> 'amount')::numeric))));
