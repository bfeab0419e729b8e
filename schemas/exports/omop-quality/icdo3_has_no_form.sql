-- source values that are not morphology/behaviour-topography of ICD-O-3
SELECT count(CASE WHEN condition_source_value NOT LIKE '____/_-C__._' THEN 1 END) AS violated,
       count(condition_source_value) AS looked_at
FROM condition_occurrence;
