UPDATE summary_state SET rules = '2' WHERE NOT EXISTS (SELECT FROM versions);
