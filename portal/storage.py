"""Static files under hashed names, so that browsers may keep them for ever."""

from whitenoise.storage import CompressedManifestStaticFilesStorage


class ModuleAwareStorage(CompressedManifestStaticFilesStorage):
    """Renames what ES modules import as well: a changed module is then a new name for everybody who imports it."""

    support_js_module_import_aggregation = True
