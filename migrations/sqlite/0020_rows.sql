-- SQLite has no roles: who can read the file reads every row. On PostgreSQL this makes rows visible to their tenant's role.
SELECT 1;
