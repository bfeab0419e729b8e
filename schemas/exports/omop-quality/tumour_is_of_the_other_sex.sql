-- plausibleGender: tumours of organs that the person does not have
SELECT count(CASE WHEN p.gender_concept_id = {value}
                   AND substr(c.condition_source_value, 8, 3) BETWEEN '{first}' AND '{last}'
                  THEN 1 END) AS violated,
       count(*) AS looked_at
FROM condition_occurrence AS c JOIN person AS p ON c.person_id = p.person_id;
