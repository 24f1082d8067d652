"""What every test shares: properties are judged by their verdict, never by the speed of the machine."""

from hypothesis import settings

settings.register_profile("passerelle", deadline=None)
settings.load_profile("passerelle")
