"""None of our modules takes a name that A1111's extensions import from its `modules`: both have to fit into one program."""

from tests.guards.sources import packages

A1111 = set(
    """
    api artists cache call_queue cmd_args codeformer codeformer_model config_states deepbooru deepbooru_model devices
    dat_model errors esrgan_model esrgan_model_arch extensions extra_networks extra_networks_hypernet face_restoration
    face_restoration_utils fifo_lock generation_parameters_copypaste gfpgan_model gitpython_hack gradio_extensons hashes
    hat_model hypernetworks images import_hook infotext_utils infotext_versions initialize initialize_util interrogate
    launch_utils localization logging_config lowvram mac_specific masking memmon memstats modelloader models
    npu_specific ngrok options patches paths paths_internal postprocessing processing profiling progress prompt_parser realesrgan_model
    restart rng rng_philox safe safety script_callbacks script_loading scripts scripts_auto_postprocessing
    scripts_postprocessing sd_disable_initialization sd_emphasis sd_hijack sd_hijack_checkpoint sd_hijack_clip
    sd_hijack_clip_old sd_hijack_ip2p sd_hijack_open_clip sd_hijack_optimizations sd_hijack_unet sd_hijack_utils
    sd_hijack_xlmr sd_models sd_models_config sd_models_types sd_models_xl sd_samplers sd_samplers_cfg_denoiser
    sd_samplers_common sd_samplers_compvis sd_samplers_extra sd_samplers_kdiffusion sd_samplers_lcm
    sd_samplers_timesteps sd_samplers_timesteps_impl sd_schedulers sd_unet sd_vae sd_vae_approx sd_vae_taesd
    shared shared_cmd_options shared_gradio_themes shared_init shared_items shared_options shared_state
    shared_total_tqdm styles sub_quadratic_attention sysinfo textual_inversion timer torch_utils txt2img
    img2img ui ui_checkpoint_merger ui_common ui_components ui_extensions ui_extra_networks
    ui_extra_networks_checkpoints ui_extra_networks_checkpoints_user_metadata ui_extra_networks_hypernets
    ui_extra_networks_textual_inversion ui_extra_networks_user_metadata ui_ui_loadsave
    ui_postprocessing ui_prompt_styles ui_settings ui_tempdir ui_toprow ui_utils upscaler upscaler_utils
    extras util xlmr xlmr_m18 xpu_specific
    """.split()
)


def test_no_module_of_ours_has_a_name_of_a1111s() -> None:
    ours = set(packages())
    assert {"app", "contract", "launcher"} <= ours
    assert not ours & A1111
