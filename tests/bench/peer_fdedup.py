"""Deduplicate a folder of Parquet files with data-prep-kit's fdedup. Runs in that peer's environment.

python tests/bench/peer_fdedup.py INPUT_FOLDER OUT
"""

import sys

from dpk_fdedup.transform_python import Fdedup

if __name__ == "__main__":
    failed = Fdedup(
        input_folder=sys.argv[1],
        output_folder=sys.argv[2],
        contents_column="text",
        document_id_column="int_id_column",  # the only name that its second step knows
        num_permutations=112,
        num_bands=14,
        num_minhashes_per_band=8,
        shingle_option="word",
        word_shingle_size=5,
        jaccard_similarity_threshold=0.8,
        operation_mode="filter_duplicates",  # the default too, but unsaid it writes to a folder named "annotated"
    ).transform()
    sys.exit(failed)
