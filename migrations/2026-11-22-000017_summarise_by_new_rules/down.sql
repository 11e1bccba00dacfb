UPDATE summary_state SET rules = '1' WHERE NOT EXISTS (SELECT FROM versions);
