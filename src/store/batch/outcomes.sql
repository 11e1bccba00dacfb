-- Records that are refused for what the register has.
INSERT INTO complaints (n, pointer, code, target)
SELECT n, '/identifier', outcome, ''
FROM decided
WHERE outcome NOT IN ('created', 'changed', 'unchanged', 'deleted', 'refused')
