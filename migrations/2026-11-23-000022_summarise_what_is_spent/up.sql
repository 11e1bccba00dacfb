-- An empty register has nothing to make anew by other rules.
UPDATE summary_state SET rules = '5' WHERE NOT EXISTS (SELECT FROM versions);
