-- Schema 3.

-- Which resources have something that was taken over as it is: a list of very many marks them, and they are few.
CREATE INDEX applied_adopted ON applied (owners) WHERE adopted IS NOT NULL;
