"""A Django project that pays, receives callbacks and hands each change of a payout to Celery, as JSON.

    $ pip install komopay[django] celery redis
    $ python -m komopay sandbox --port 8081 --control &
    $ export KOMOPAY_BASE_URL=http://127.0.0.1:8081 KOMOPAY_MERCHANT_CODE=... KOMOPAY_SECRET=...  # as the sandbox says
    $ export KOMOPAY_CALLBACK_KEYS=$(openssl rand -hex 32) SHOP_SECRET_KEY=$(openssl rand -hex 32)
    $ export SHOP_URL=http://127.0.0.1:8000 SHOP_BROKER=redis://127.0.0.1:6379
    $ celery -A shop.tasks worker &
    $ python manage.py komopay_changes &
    $ python manage.py runserver 8000
    $ curl -X POST http://127.0.0.1:8000/pay/TST-1

Without SHOP_BROKER, tasks run at once in the process that enqueues them.
"""
