"""Django on this pool: `INSTALLED_APPS = [..., "refork.contrib.django"]`.

Closes database connections and caches before a promotion, in the main thread and in those that have ended; Django opens
them again by itself, in the worker that serves on as well as in its forks. Without an agent it does nothing.
"""
