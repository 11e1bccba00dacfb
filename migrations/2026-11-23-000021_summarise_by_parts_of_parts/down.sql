UPDATE summary_state SET rules = '3' WHERE NOT EXISTS (SELECT FROM versions);
