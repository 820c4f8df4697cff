"""A dataset is dropped with the mouse: chosen, checked, compared, and only then dropped."""

import json
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from azure.storage.blob import BlobServiceClient
from playwright.sync_api import expect

from tests.support.console import PHONE, Opened, Tab
from tests.support.datasets import dataset
from tests.support.hostile import TEXTS
