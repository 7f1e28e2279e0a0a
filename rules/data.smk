# Image sets: made from the photographs of the environment, or found in a folder; and what they look like.

from netlens.workflow.external_files import contents_of, snakemake_paths
from netlens.workflow.image_specs import downloads_of, image_files, names_of, scene_files, value_of

SHOWN_IMAGES = {
    "train": result(f"images/{CONFIG['data']['images']}/train.npz"),
    "heldout": result(f"images/{CONFIG['data']['images']}/heldout.npz"),
    "scenes": scene_files(CONFIG, CONFIG["data"]["images"]),
}


rule photos:
    input:
        **notebook("data/photos"),
    output:
        train=result("images/{images}/train.npz"),
        heldout=result("images/{images}/heldout.npz"),
        scenes=result("images/{images}/scenes.npz"),
        record=result("images/{images}/photos.json"),
    log:
        names.executed("data/photos_{images}"),
    wildcard_constraints:
        images=names_of(CONFIG["images"], "photos"),
    resources:
        mem_mb=memory("data/photos"),
    params:
        job=job(
            classes=value_of(CONFIG, "images", "classes"),
            size_px=value_of(CONFIG, "images", "size_px"),
            heldout_photographs=value_of(CONFIG, "images", "heldout_photographs"),
            cell_rows_count=value_of(CONFIG, "images", "cell_rows_count"),
            smallest_crop=value_of(CONFIG, "images", "smallest_crop"),
            contrast_grey_levels=value_of(CONFIG, "images", "contrast_grey_levels"),
            colour_change=value_of(CONFIG, "images", "colour_change"),
            train_per_class_count=value_of(CONFIG, "images", "train_per_class_count"),
            heldout_per_class_count=value_of(CONFIG, "images", "heldout_per_class_count"),
            scenes_count=value_of(CONFIG, "images", "scenes_count"),
            images_seed=value_of(CONFIG, "images", "seed"),
        ),
        files=files,
    shell:
        RUN


rule folder:
    input:
        **notebook("data/folder"),
        source=lambda wildcards: snakemake_paths(image_files(CONFIG, wildcards.images)),
    output:
        train=result("images/{images}/train.npz"),
        heldout=result("images/{images}/heldout.npz"),
        record=result("images/{images}/folder.json"),
    log:
        names.executed("data/folder_{images}"),
    wildcard_constraints:
        images=names_of(CONFIG["images"], "folder"),
    resources:
        mem_mb=memory("data/folder"),
    params:
        job=job(
            size_px=value_of(CONFIG, "images", "size_px"),
            resize_px=value_of(CONFIG, "images", "resize_px"),
            heldout_fraction=value_of(CONFIG, "images", "heldout_fraction"),
            train_per_class_count=value_of(CONFIG, "images", "train_per_class_count"),
            heldout_per_class_count=value_of(CONFIG, "images", "heldout_per_class_count"),
            class_ids=value_of(CONFIG, "images", "class_ids"),
            class_names=value_of(CONFIG, "images", "class_names"),
            unreadable=value_of(CONFIG, "images", "unreadable"),
            images_seed=value_of(CONFIG, "images", "seed"),
        ),
        files=files,
        content=lambda wildcards: contents_of(image_files(CONFIG, wildcards.images)),
    shell:
        RUN


rule cifar:
    input:
        **notebook("data/cifar"),
        source=lambda wildcards: snakemake_paths(image_files(CONFIG, wildcards.images)),
    output:
        train=result("images/{images}/train.npz"),
        heldout=result("images/{images}/heldout.npz"),
        record=result("images/{images}/cifar.json"),
    log:
        names.executed("data/cifar_{images}"),
    wildcard_constraints:
        images=names_of(CONFIG["images"], "cifar"),
    resources:
        mem_mb=memory("data/cifar"),
    params:
        job=job(
            train_per_class_count=value_of(CONFIG, "images", "train_per_class_count"),
            heldout_per_class_count=value_of(CONFIG, "images", "heldout_per_class_count"),
        ),
        files=files,
        content=lambda wildcards: contents_of(image_files(CONFIG, wildcards.images)),
    shell:
        RUN


rule download:
    input:
        **notebook("data/download"),
        manifest="data/manifest.yaml",
    output:
        downloaded="data/downloads/{name}",
        record="data/downloads/{name}.json",
    log:
        names.executed("data/download_{name}"),
    wildcard_constraints:
        name=downloads_of(CONFIG),
    localrule: True
    resources:
        mem_mb=memory("data/download"),
    params:
        job=job(**settings("data", "local_folders")),
        files=files,
    shell:
        RUN


# Item: the notebook that makes it, what that reads, its parameters.
DATA_ITEMS = {
    "image_set": ("image_set", SHOWN_IMAGES, settings("data", "examples_count", "classes_count")),
    "imageClassCount": ("numbers", SHOWN_IMAGES, {"quantity": "classes"}),
    "trainImageCount": ("numbers", SHOWN_IMAGES, {"quantity": "train_images"}),
    "heldoutImageCount": ("numbers", SHOWN_IMAGES, {"quantity": "heldout_images"}),
    "sceneCount": ("numbers", SHOWN_IMAGES, {"quantity": "scenes"}),
}

for item, (made_by, inputs, parameters) in names.applicable(DATA_ITEMS).items():

    rule:
        name:
            item
        input:
            **notebook(f"data/{made_by}"),
            **inputs,
        output:
            names.outputs(item),
        log:
            names.executed(f"data/{item}"),
        localrule: True
        resources:
            mem_mb=memory(f"data/{made_by}"),
        params:
            job=job(**parameters),
            files=files,
        shell:
            RUN
