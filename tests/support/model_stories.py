"""The stories of a model in which an app may be killed, told as `stories` has it."""

from tests.support.deletion_stories import DELETIONS
from tests.support.hosting_stories import HOSTING
from tests.support.promotion_stories import A_RUN, PROMOTIONS

STORIES = (A_RUN, *PROMOTIONS, *HOSTING, *DELETIONS)
