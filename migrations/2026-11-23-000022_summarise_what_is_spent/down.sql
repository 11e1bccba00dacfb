UPDATE summary_state SET rules = '4' WHERE NOT EXISTS (SELECT FROM versions);
