# Image sets: made from the photographs of the environment, or found in a folder; and what they look like.

from netlens.data.specs import (
    downloads_of,
    class_folders,
    image_files,
    names_of,
    scene_files,
    value_of,
)


rule photos:
    input:
        notebook="notebooks/data/photos.ipynb",
        code=code_of("notebooks/data/photos.ipynb"),
    output:
        train=f"results/{STUDY}/images/{{images}}/train.npz",
        heldout=f"results/{STUDY}/images/{{images}}/heldout.npz",
        scenes=f"results/{STUDY}/images/{{images}}/scenes.npz",
        record=f"results/{STUDY}/images/{{images}}/photos.json",
    log:
        f"results/{STUDY}/executed/data/photos_{{images}}.ipynb",
    benchmark:
        f"results/{STUDY}/benchmarks/photos_{{images}}.tsv"
    wildcard_constraints:
        images=names_of(CONFIG["images"], "photos"),
    params:
        job=job(
            classes=value_of(CONFIG, "images", "classes"),
            size_px=value_of(CONFIG, "images", "size_px"),
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
        lambda wildcards: class_folders(CONFIG, wildcards.images),
        notebook="notebooks/data/folder.ipynb",
        code=code_of("notebooks/data/folder.ipynb"),
        source=lambda wildcards: image_files(CONFIG, wildcards.images),
    output:
        train=f"results/{STUDY}/images/{{images}}/train.npz",
        heldout=f"results/{STUDY}/images/{{images}}/heldout.npz",
        record=f"results/{STUDY}/images/{{images}}/folder.json",
    log:
        f"results/{STUDY}/executed/data/folder_{{images}}.ipynb",
    benchmark:
        f"results/{STUDY}/benchmarks/folder_{{images}}.tsv"
    wildcard_constraints:
        images=names_of(CONFIG["images"], "folder"),
    params:
        job=job(
            size_px=value_of(CONFIG, "images", "size_px"),
            resize_px=value_of(CONFIG, "images", "resize_px"),
            heldout_fraction=value_of(CONFIG, "images", "heldout_fraction"),
            train_per_class_count=value_of(CONFIG, "images", "train_per_class_count"),
            heldout_per_class_count=value_of(CONFIG, "images", "heldout_per_class_count"),
            class_names=value_of(CONFIG, "images", "class_names"),
            unreadable=value_of(CONFIG, "images", "unreadable"),
            images_seed=value_of(CONFIG, "images", "seed"),
        ),
        files=files,
    shell:
        RUN


rule download:
    input:
        notebook="notebooks/data/download.ipynb",
        code=code_of("notebooks/data/download.ipynb"),
        manifest="data/manifest.yaml",
    output:
        downloaded="data/downloads/{name}",
        record="data/downloads/{name}.json",
    log:
        f"results/{STUDY}/executed/data/download_{{name}}.ipynb",
    benchmark:
        f"results/{STUDY}/benchmarks/download_{{name}}.tsv"
    wildcard_constraints:
        name=downloads_of(CONFIG),
    params:
        job=job(local_folders=CONFIG["data"]["local_folders"]),
        files=files,
    shell:
        RUN


rule image_set:
    input:
        notebook="notebooks/data/image_set.ipynb",
        code=code_of("notebooks/data/image_set.ipynb"),
        train=f"results/{STUDY}/images/{CONFIG['data']['images']}/train.npz",
        heldout=f"results/{STUDY}/images/{CONFIG['data']['images']}/heldout.npz",
        scenes=scene_files(CONFIG, CONFIG["data"]["images"]),
    output:
        figure("data/image_set"),
    log:
        f"results/{STUDY}/executed/data/image_set.ipynb",
    benchmark:
        f"results/{STUDY}/benchmarks/image_set.tsv"
    params:
        job=job(
            examples_count=CONFIG["data"]["examples_count"],
            classes_count=CONFIG["data"]["classes_count"],
        ),
        files=files,
    shell:
        RUN


rule imageClassCount:
    input:
        notebook="notebooks/data/numbers.ipynb",
        code=code_of("notebooks/data/numbers.ipynb"),
        train=f"results/{STUDY}/images/{CONFIG['data']['images']}/train.npz",
        heldout=f"results/{STUDY}/images/{CONFIG['data']['images']}/heldout.npz",
        scenes=scene_files(CONFIG, CONFIG["data"]["images"]),
    output:
        macro("imageClassCount"),
    log:
        f"results/{STUDY}/executed/data/imageClassCount.ipynb",
    benchmark:
        f"results/{STUDY}/benchmarks/imageClassCount.tsv"
    params:
        job=job(quantity="classes"),
        files=files,
    shell:
        RUN


rule trainImageCount:
    input:
        notebook="notebooks/data/numbers.ipynb",
        code=code_of("notebooks/data/numbers.ipynb"),
        train=f"results/{STUDY}/images/{CONFIG['data']['images']}/train.npz",
        heldout=f"results/{STUDY}/images/{CONFIG['data']['images']}/heldout.npz",
        scenes=scene_files(CONFIG, CONFIG["data"]["images"]),
    output:
        macro("trainImageCount"),
    log:
        f"results/{STUDY}/executed/data/trainImageCount.ipynb",
    benchmark:
        f"results/{STUDY}/benchmarks/trainImageCount.tsv"
    params:
        job=job(quantity="train_images"),
        files=files,
    shell:
        RUN


rule heldoutImageCount:
    input:
        notebook="notebooks/data/numbers.ipynb",
        code=code_of("notebooks/data/numbers.ipynb"),
        train=f"results/{STUDY}/images/{CONFIG['data']['images']}/train.npz",
        heldout=f"results/{STUDY}/images/{CONFIG['data']['images']}/heldout.npz",
        scenes=scene_files(CONFIG, CONFIG["data"]["images"]),
    output:
        macro("heldoutImageCount"),
    log:
        f"results/{STUDY}/executed/data/heldoutImageCount.ipynb",
    benchmark:
        f"results/{STUDY}/benchmarks/heldoutImageCount.tsv"
    params:
        job=job(quantity="heldout_images"),
        files=files,
    shell:
        RUN


rule sceneCount:
    input:
        notebook="notebooks/data/numbers.ipynb",
        code=code_of("notebooks/data/numbers.ipynb"),
        train=f"results/{STUDY}/images/{CONFIG['data']['images']}/train.npz",
        heldout=f"results/{STUDY}/images/{CONFIG['data']['images']}/heldout.npz",
        scenes=scene_files(CONFIG, CONFIG["data"]["images"]),
    output:
        macro("sceneCount"),
    log:
        f"results/{STUDY}/executed/data/sceneCount.ipynb",
    benchmark:
        f"results/{STUDY}/benchmarks/sceneCount.tsv"
    params:
        job=job(quantity="scenes"),
        files=files,
    shell:
        RUN
