# Spatial attribution: maps of chosen images and scores on all scenes, computed once, drawn in many items.

from netlens.data.specs import scene_files
from netlens.models.specs import image_file, images_of

SPATIAL_NETWORK = CONFIG["spatial_attribution"].get(
    "network", CONFIG["models"]["network"]
)
SPATIAL_MAPS = f"results/{STUDY}/spatial_attribution/maps.npz"


# Everything that figures and the page show of some images; the notebook says what the arrays are.
rule spatial_maps:
    input:
        f"results/{STUDY}/networks/{SPATIAL_NETWORK}/frozen.json",
        notebook="notebooks/spatial_attribution/maps.ipynb",
        code=code_of("notebooks/spatial_attribution/maps.ipynb"),
        frozen=f"results/{STUDY}/networks/{SPATIAL_NETWORK}/frozen.pb",
        scenes=scene_files(CONFIG, images_of(CONFIG, SPATIAL_NETWORK)),
        heldout=image_file(CONFIG, SPATIAL_NETWORK, "heldout"),
        own=list(filter(None, [CONFIG["spatial_attribution"]["image"]])),
    output:
        maps=SPATIAL_MAPS,
        record=f"results/{STUDY}/spatial_attribution/maps.json",
    log:
        f"results/{STUDY}/executed/spatial_attribution/maps.ipynb",
    benchmark:
        f"results/{STUDY}/benchmarks/spatial_maps.tsv"
    threads: 2
    resources:
        gpu=1,
    params:
        job=job(
            gpu=True,
            own_classes=CONFIG["spatial_attribution"]["image_classes"],
            layers=CONFIG["spatial_attribution"]["layers"],
            layers_count=CONFIG["spatial_attribution"]["layers_count"],
            pairs=CONFIG["spatial_attribution"]["pairs"],
            maps_mb=CONFIG["spatial_attribution"]["maps_mb"],
            gradients=CONFIG["spatial_attribution"]["gradients"],
            scene=CONFIG["spatial_attribution"]["scene"],
            scenes_count=CONFIG["spatial_attribution"]["scenes_count"],
            composed_count=CONFIG["spatial_attribution"]["composed_count"],
            memory_mb=CONFIG["spatial_attribution"]["memory_mb"],
        ),
        files=files,
    shell:
        RUN
