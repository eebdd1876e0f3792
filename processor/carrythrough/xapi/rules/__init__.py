"""The rules of the specification over plain JSON values: one module a part of a statement.

These are the rules of record. The fast way of `admission` may only accept what they accept; when
it hesitates, they decide and name the place, the rule and the fix. Every function takes the value,
its JSON pointer and, where the versions differ, `v2` (True for xAPI 2.0); it returns nothing, and
raises PermanentError at the first rule that is broken.
"""
