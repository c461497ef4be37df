"""Django's usual applications and middleware, those that ask for a login and a CSRF token too, without a database."""

import os
from pathlib import Path

BASE_DIR = Path(__file__).parent.parent
SECRET_KEY = os.environ["SHOP_SECRET_KEY"]
ALLOWED_HOSTS = ["127.0.0.1"]
ROOT_URLCONF = "shop.urls"
WSGI_APPLICATION = "shop.wsgi.application"
LOGIN_URL = "/login"
INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "komopay.django",
]
# Credentials and keys are in the environment.
KOMOPAY = {
    "change_store": os.environ.get("SHOP_CHANGES", BASE_DIR / "changes.sqlite"),
    "change_lease": float(os.environ.get("SHOP_LEASE", "60")),
    "HANDLER": "shop.payouts.on_change",
    # Without `manage.py komopay_changes`, such as on a laptop.
    "HANDLE_IN_WEB": os.environ.get("SHOP_HANDLE_IN_WEB") == "1",
}
SESSION_ENGINE = "django.contrib.sessions.backends.signed_cookies"
MESSAGE_STORAGE = "django.contrib.messages.storage.cookie.CookieStorage"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.auth.middleware.LoginRequiredMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "shop.sizes.SizeMiddleware",
]
