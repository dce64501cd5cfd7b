"""The HTTP contract for machines, ``/api/v1``: one file per resource, one declaration each."""
