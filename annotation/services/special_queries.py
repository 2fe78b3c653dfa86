"""The statements that look for a task with a purpose of its own. Each is one round trip."""

_UNTOUCHED = """
    NOT EXISTS (SELECT FROM annotation_slot o WHERE o.task_id = t.id AND o.annotator_id = %(annotator)s
                AND o.state IN ('leased', 'submitted'))
    AND NOT EXISTS (SELECT FROM annotation_judgment j WHERE j.task_id = t.id AND j.annotator_id = %(annotator)s)
    AND NOT EXISTS (SELECT FROM annotation_skip k WHERE k.task_id = t.id AND k.annotator_id = %(annotator)s)
    AND NOT EXISTS (SELECT FROM annotation_keptanswer a WHERE a.task_id = t.id AND a.annotator_id = %(annotator)s
                    AND a.state = 'kept')
"""

_THROUGH_WITH = """
    (EXISTS (SELECT FROM annotation_judgment j WHERE j.task_id = t.id AND j.annotator_id = %(annotator)s)
     OR EXISTS (SELECT FROM annotation_skip k WHERE k.task_id = t.id AND k.annotator_id = %(annotator)s))
"""

# Whether a person is paused or holds a lease, whether practice is due, how their last attempt at the test ended,
# and whether the project has gold. Asked at every acquire, so each part is a probe of an index.
STANDING = f"""
SELECT EXISTS (SELECT FROM annotation_pause p WHERE p.project_id = %(project)s AND p.person_id = %(annotator)s
               AND p.state = 'accepted'),
       EXISTS (SELECT FROM annotation_slot s JOIN annotation_task t ON t.id = s.task_id
               WHERE s.annotator_id = %(annotator)s AND s.project_id = %(project)s AND s.state = 'leased'
                 AND t.state = 'open'),
       %(practice)s > 0
           AND EXISTS (SELECT FROM annotation_task t WHERE t.project_id = %(project)s AND t.purpose = 'practice'
                       AND t.state = 'open' AND {_UNTOUCHED})
           AND (SELECT count(*) FROM annotation_task t WHERE t.project_id = %(project)s AND t.purpose = 'practice'
                AND {_THROUGH_WITH}) < %(practice)s,
       CASE WHEN %(test)s = 0 THEN NULL ELSE
           (SELECT q.state FROM annotation_qualificationattempt q
            WHERE q.project_id = %(project)s AND q.person_id = %(annotator)s ORDER BY q.number DESC LIMIT 1)
       END,
       EXISTS (SELECT FROM annotation_task t WHERE t.project_id = %(project)s AND t.purpose = 'gold'
               AND t.state = 'open')
"""  # noqa: S608 - joins constants of this file; values travel as parameters

PRACTICE = f"""
SELECT t.id FROM annotation_task t
WHERE t.project_id = %(project)s AND t.purpose = 'practice' AND t.state = 'open' AND {_UNTOUCHED}
ORDER BY t.id LIMIT 1
"""  # noqa: S608 - joins constants of this file; values travel as parameters

# In an order of each person's own, so that two of them cannot find out by comparing what they got.
GOLD = f"""
SELECT t.id FROM annotation_task t
WHERE t.project_id = %(project)s AND t.purpose = 'gold' AND t.state = 'open' AND {_UNTOUCHED}
  AND (t.skill_id IS NULL OR EXISTS (
        SELECT FROM annotation_personskill ps
        WHERE ps.skill_id = t.skill_id AND ps.person_id = %(annotator)s AND ps.level >= t.skill_level))
ORDER BY hashint8extended(t.id, %(annotator)s) LIMIT 1
"""  # noqa: S608 - as above

# What this person judged, the newest left out, as far as they have not seen it a second time; of the next few hundred
# any one, so that the distance tells nothing.
REPEAT = """
SELECT said.task_id, said.shown_order FROM (
    SELECT j.task_id, j.shown_order FROM annotation_judgment j
    JOIN annotation_task t ON t.id = j.task_id AND t.purpose = 'normal' AND t.state = 'open'
    WHERE j.annotator_id = %(annotator)s AND j.project_id = %(project)s AND j.is_current AND NOT j.is_imported
    ORDER BY j.created_at DESC OFFSET %(after)s LIMIT 300
) said
WHERE NOT EXISTS (
    SELECT FROM annotation_task r
    WHERE r.original_id = said.task_id AND r.purpose = 'repeat'
      AND (EXISTS (SELECT FROM annotation_judgment j WHERE j.task_id = r.id AND j.annotator_id = %(annotator)s)
           OR EXISTS (SELECT FROM annotation_skip k WHERE k.task_id = r.id AND k.annotator_id = %(annotator)s)
           OR EXISTS (SELECT FROM annotation_slot o WHERE o.task_id = r.id AND o.annotator_id = %(annotator)s
                      AND o.state IN ('leased', 'submitted'))))
ORDER BY hashint8extended(said.task_id, %(annotator)s) LIMIT 1
"""
